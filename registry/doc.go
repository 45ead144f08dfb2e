// Package registry holds what a market-supervision bureau knows about producers: enterprises, products, regions and
// the records that move an index, each with the validation that decides what may be stored.
//
// It is the lowest floor of the house: it imports nothing of this project, touches no database and no network, and never
// reads the clock. Where a rule depends on "today", the day is a parameter.
package registry
