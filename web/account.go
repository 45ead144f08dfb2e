package web

import (
	"html/template"
	"time"
)

// AccountPage is one's own account: where one is signed in, password, second factor.
type AccountPage struct {
	Page
	Rights       []Right
	Enterprises  []string // USCCs that the person acts for
	Agency       string
	Sessions     []SessionLine // last seen first
	HasPassword  bool
	MinPassword  int // in characters
	SecondFactor bool
	Offer        *SecondFactorOffer // a second factor that waits for its first code
	Recovery     []string           // new recovery codes, shown this once
	RecoveryLeft int                // how many are left
	Problem      string             // what was wrong, in the page's language; empty when nothing was
}

// Right is one role with its region, whose name is empty for the whole register.
type Right struct {
	Role, Region string
}

// SessionLine is one place where the person is signed in.
type SessionLine struct {
	ID        string // the beginning of the session's hash
	CreatedAt time.Time
	SeenAt    time.Time
	Current   bool // the one that asks
}

// SecondFactorOffer is a new second factor. Sealed is its secret as the form sends it back.
type SecondFactorOffer struct {
	Image  template.URL
	Secret string
	Sealed string
}
