package schema

import "context"

// The kinds of actors beside the kinds of callers (access.Kind).
const (
	ActorSystem  = "system"  // a job, by its name
	ActorCommand = "command" // somebody at the machine, by the login name there
)

// Actor is who makes a change, as the audit log names them. The zero value is the program itself.
type Actor struct {
	Kind      string `json:"kind"` // access.Kind of a caller, ActorCommand or ActorSystem
	ID        int64  `json:"id,omitempty"`
	Name      string `json:"name,omitempty"`  // a login name, a partner's or a job's name, never a person's
	Doing     string `json:"doing,omitempty"` // of a command: which one, and the name of the file that it reads
	RequestID string `json:"request_id,omitempty"`
}

type actorKey struct{}

// WithActor returns a context in which changes are those of the actor.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf returns whose changes are made in a context: of the system where nobody was named.
func ActorOf(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return a
	}
	return Actor{Kind: ActorSystem}
}
