package web

// DocsPage describes the API for people: what its OpenAPI document says, and a first walk through it.
type DocsPage struct {
	Page
	Base     string // scheme and host of this server, for the examples
	Code     string // what a code of this server says; of a demo a real one
	Sections []DocsSection
}

// DocsSection is the operations of one tag.
type DocsSection struct {
	Name       string
	Title      Phrase
	About      Phrase
	Operations []DocsOperation
}

// DocsOperation is one operation.
type DocsOperation struct {
	ID, Method, Path string
	Title            Phrase
	About            string // English
	Who              string // the rule, as docs/security.md writes it
	Parameters       []DocsParameter
	Curl             string
	Body             string // example, or empty
	Answers          []DocsAnswer
	Problems         []DocsProblem
}

// DocsParameter is a parameter of the path, the query or the headers.
type DocsParameter struct {
	Name, In, Schema, About string
	Required                bool
}

// DocsAnswer is a way to succeed.
type DocsAnswer struct {
	Status  int
	About   string
	Type    string // media type
	Example string
}

// DocsProblem is a status with the codes that a problem may have then.
type DocsProblem struct {
	Status int
	Codes  []DocsCode
}

// DocsCode is a stable code with its title.
type DocsCode struct{ Code, Title string }

// Count returns how many operations there are.
func (p DocsPage) Count() (n int) {
	for _, section := range p.Sections {
		n += len(section.Operations)
	}
	return n
}
