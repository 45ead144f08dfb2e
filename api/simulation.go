package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/gin-gonic/gin"
)

// simulationBody is what POST /api/v1/simulations takes.
type simulationBody struct {
	Model  json.RawMessage `json:"model"`
	AsOf   string          `json:"as_of"`
	Movers json.RawMessage `json:"movers"`
	// Published asks for what would be published beside what the evidence earns. That takes about 11 µs an enterprise.
	Published bool `json:"published"`
}

// moversBody asks for a page of those who move.
type moversBody struct {
	Limit     int    `json:"limit"`
	Offset    int    `json:"offset"`
	Sort      string `json:"sort"`
	Direction string `json:"direction"`
}

// simulationRequest is a body that makes sense.
type simulationRequest struct {
	model *scoring.Model
	asOf  registry.Day
	moves scoring.MoveQuery

	published bool
}

// simulate answers POST /api/v1/simulations: what a model would change if it took the place of the active one. It stops when the client
// goes away. The first one after a start, and after midnight, waits until everybody is read. A client that asks for lines is told how far
// that is.
func (s *server) simulate(c *gin.Context) {
	request, err := s.readSimulation(c.Request)
	if err != nil {
		s.fail(c, err)
		return
	}
	addVary(c, "Accept", "Accept-Language")
	if wantsLines(c.Request) {
		s.streamSimulation(c, request)
		return
	}
	answer, err := s.runSimulation(c, request, func(string, int64, int64) {})
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, answer)
}

func (s *server) runSimulation(c *gin.Context, request *simulationRequest, tell report) (*scoring.Simulation, error) {
	ctx := c.Request.Context()
	active, err := s.model(ctx, schema.ModelRef{})
	if err != nil {
		return nil, err
	}
	everyone, err := s.everyone.get(ctx, registry.DayOf(s.now()), func(done, total int64) { tell("reading", done, total) })
	if err != nil {
		return nil, fmt.Errorf("read everybody: %w", err)
	}
	back, err := s.everyone.turn(ctx)
	if err != nil {
		return nil, fmt.Errorf("wait for a turn: %w", err)
	}
	defer back()
	tell("grading", 0, int64(everyone.Columns.Len()))
	before, err := s.everyone.grades(ctx, everyone, active, request.asOf)
	if err != nil {
		return nil, err
	}
	answer, err := scoring.Simulate(ctx, everyone.Columns, active, request.model, request.asOf,
		scoring.SimulateOptions{Attributes: everyone.Attributes, Moves: request.moves, Before: before, Published: request.published,
			PassOptions: scoring.PassOptions{Progress: func(done, total int64) { tell("grading", done, total) }}})
	if err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	answer.KnownAt = everyone.KnownAt
	return answer, s.nameAll(ctx, answer)
}

// nameAll fills in the names of counties and of those who move.
func (s *server) nameAll(ctx context.Context, answer *scoring.Simulation) error {
	if err := s.store.NameGroups(ctx, answer.Groups); err != nil {
		return fmt.Errorf("name counties: %w", err)
	}
	if answer.Published != nil {
		if err := s.store.NameGroups(ctx, answer.Published.Groups); err != nil {
			return fmt.Errorf("name counties: %w", err)
		}
	}
	return s.store.NameMoves(ctx, answer.Moves.Items)
}

func (s *server) readSimulation(r *http.Request) (*simulationRequest, error) {
	var body simulationBody
	if err := decodeJSON(r, &body); err != nil {
		return nil, err
	}
	request := &simulationRequest{asOf: registry.DayOf(s.now()), moves: scoring.MoveQuery{Limit: defaultLimit}, published: body.Published}
	var err error
	if request.model, err = readModel(body.Model); err != nil {
		return nil, err
	}
	if body.AsOf != "" {
		if request.asOf, err = registry.ParseDay(body.AsOf); err != nil {
			return nil, badField("as_of", "is not a date from 1900 to 2199", "YYYY-MM-DD")
		}
	}
	if len(body.Movers) > 0 {
		request.moves, err = readMovers(body.Movers)
	}
	return request, err
}

// readModel reads a model; every problem is named at its path.
func readModel(text json.RawMessage) (*scoring.Model, error) {
	if len(text) == 0 {
		return nil, badField("model", "is missing", "a scoring model")
	}
	model, err := scoring.ParseModel(text)
	var wrongType *json.UnmarshalTypeError
	var problems registry.Problems
	switch {
	case err == nil:
		return model, nil
	case errors.As(err, &problems):
		return nil, within("model", &fieldError{problems, ErrBadModel})
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return nil, badField("model."+shortened(wrongType.Field), "has the wrong type", "a "+wrongType.Type.Kind().String())
	}
	reason, _ := strings.CutPrefix(err.Error(), scoring.ErrModel.Error()+": json: ")
	return nil, badField("model", "is not a scoring model: "+shortened(reason), "a model such as `healthcode export models` writes")
}

// within puts the name of an object before the names of its fields.
func within(object string, err error) error {
	var fields *fieldError
	if !errors.As(err, &fields) {
		return err
	}
	renamed := slices.Clone(fields.problems)
	for i := range renamed {
		renamed[i].Field = object + "." + renamed[i].Field
	}
	return &fieldError{renamed, fields.reason}
}

func readMovers(text json.RawMessage) (scoring.MoveQuery, error) {
	body := moversBody{Limit: defaultLimit}
	members, err := readMembers(text)
	if err != nil {
		return scoring.MoveQuery{}, badField("movers", "is not a JSON object, or has a member twice", "an object with limit, offset, sort, direction")
	}
	if err := assign(members, &body); err != nil {
		return scoring.MoveQuery{}, within("movers", err)
	}
	switch {
	case body.Limit < 0 || body.Limit > maxLimit:
		err = badField("movers.limit", "is out of range", fmt.Sprint("a number from 0 to ", maxLimit))
	case body.Offset < 0:
		err = badField("movers.offset", "is out of range", "a number from 0 on")
	case body.Sort != "" && !slices.Contains(scoring.MoveSorts(), body.Sort):
		err = badField("movers.sort", "is not known", "one of "+strings.Join(scoring.MoveSorts(), ", "))
	case body.Direction != "" && !slices.Contains(scoring.MoveDirections(), body.Direction):
		err = badField("movers.direction", "is not known", "one of "+strings.Join(scoring.MoveDirections(), ", "))
	}
	return scoring.MoveQuery{Limit: body.Limit, Offset: body.Offset, Sort: scoring.MoveSort(body.Sort), Direction: scoring.MoveDirection(body.Direction)}, err
}
