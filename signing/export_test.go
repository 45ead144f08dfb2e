package signing

// What the tests see of the inside.
var (
	ReadFrame   = readFrame
	AppendFrame = appendFrame
)

// FrameKind is frameKind.
type FrameKind = frameKind

// The kinds of frames, and the longest one.
const (
	AskKey        = askKey
	AskSign       = askSign
	AnswerGood    = answerGood
	AnswerRefused = answerRefused
	MaxFrame      = maxFrame
)
