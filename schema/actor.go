package schema

import "context"

// Actor is who makes a change, as the audit log names them. The zero value is the program itself.
type Actor struct {
	Kind      string `json:"kind"` // access.Kind of a caller, "command" for somebody at the machine, "system" for a job
	ID        int64  `json:"id,omitempty"`
	Name      string `json:"name,omitempty"` // a login name or a partner's name, never a person's
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
	return Actor{Kind: "system"}
}
