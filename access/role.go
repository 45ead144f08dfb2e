package access

import "slices"

// Role is a duty of a member of staff. It is granted for a region and holds there and in every division below it.
type Role string

// The roles. Separation of duties (requirement C9) is by person, not by role alone: nobody approves their own act.
const (
	Reader     Role = "reader"      // sees the register, grades and where every point comes from
	Recorder   Role = "recorder"    // sends, amends and voids records
	Supervisor Role = "supervisor"  // decides cases, ends codes, keeps listings
	Modeller   Role = "modeller"    // writes and proposes scoring models
	Approver   Role = "approver"    // approves what somebody else proposed
	KeyOfficer Role = "key_officer" // looks after signing keys
	Auditor    Role = "auditor"     // reads the audit log
	Admin      Role = "admin"       // keeps accounts, agencies and partners
)

// Roles lists every role in the order of screens.
var Roles = []Role{Reader, Recorder, Supervisor, Modeller, Approver, KeyOfficer, Auditor, Admin}

// Known reports whether the role is one of Roles.
func (r Role) Known() bool { return slices.Contains(Roles, r) }

// includes reports whether who holds r may also do what wanted may. Whoever records or decides must see; keys and accounts need no
// sight of enterprises.
func (r Role) includes(wanted Role) bool {
	return r == wanted || wanted == Reader && r != KeyOfficer && r != Admin
}

// Grant is a role in a region. The empty region is the whole register.
type Grant struct {
	Role   Role   `json:"role"`
	Region string `json:"region,omitempty"`
}
