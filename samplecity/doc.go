// Package samplecity invents a city of enterprises under supervision, so that the program can be tried, measured and tested
// without anybody's data. The divisions are the real ones of Jiaxing (REGIONS.md says where they come from); the product groups
// follow the national catalogue of key products. Everything else is invented: enterprises, codes, addresses, points, agencies and
// every record. Rates follow published figures where there are any (rates.go names them), and our guesses where there are none.
//
// The city is a pure function of (seed, today). Enterprise i depends on seed, i and today alone, so a city of any size streams in
// flat memory, and a larger city begins with the smaller one. Only whole numbers are drawn: every machine makes the same bytes.
package samplecity
