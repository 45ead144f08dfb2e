// Package api answers over HTTP: pages for people, JSON for machines, problem+json for whatever goes wrong.
//
// router.go is the table of contents: every route with who may call it. Each noun has one file. What a handler needs of the store it
// declares as a small interface; package schema satisfies them, and cmd joins the two.
package api
