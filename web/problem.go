package web

// ProblemPage says what went wrong, in words for people.
type ProblemPage struct {
	Page
	Status int
	Title  string
	Detail string
	Home   bool // the reader may see the first page, so a link leads there
}
