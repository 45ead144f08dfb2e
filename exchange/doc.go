// Package exchange carries enterprises, products, regions and records into and out of files: CSV, XLSX and NDJSON.
//
// Reading has three steps, each usable alone: Open gives the rows of a file as they are, a Decoder turns a row into a value of
// package registry together with everything that is wrong with it, and RejectedWriter keeps the refused rows in a file
// that can be mended and read again. A Mapping tells a Decoder how foreign columns and values become ours.
//
// Memory is bounded by the longest permitted row, never by the file. The package has no database and reads no clock.
package exchange
