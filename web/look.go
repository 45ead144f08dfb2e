package web

import "time"

// LookLine says that a partner was told about the enterprise.
type LookLine struct {
	At      time.Time
	Partner string
	Purpose string
	Means   string // code or ticket
	Times   int64  // at that instant
}

// MaxLooks is how many looks an enterprise's page shows.
const MaxLooks = 20
