// Package jobs holds the work that happens by itself: one file per periodic job, each a RunOnce(ctx) that can be tested and called
// without a scheduler, and the wiring of the scheduler that says when.
//
// A job's progress is kept in the database: ranges of enterprises whose results and mark are stored in one transaction. So a process
// may be killed anywhere and another one goes on.
package jobs
