package v1

// What the tests look at in the table besides what is exported.

// In is the struct of a route's request body; nil: none.
func (r Route) In() any { return r.o.in }

// Out is the struct of a route's answer; nil: none.
func (r Route) Out() any { return r.o.out }

// Status is what a success is answered with.
func (r Route) Status() int {
	switch {
	case r.o.status != 0:
		return r.o.status
	case r.o.out == nil && r.o.file == "":
		return 204
	}
	return 200
}

// Query lists the parameters that a route understands.
func (r Route) Query() []string { return r.o.query }

// Binary and Basic tell what a route takes besides JSON and tokens.
func (r Route) Binary() bool { return r.o.binary }

// Basic tells whether name and password are taken.
func (r Route) Basic() bool { return r.o.basic }

// ProblemBody is the struct of errors, EventView of events.
var (
	ProblemBody = problemBody{}
	EventView   = eventView{}
	Moment      = moment{}
)

// OpenAPI is the document as served; Manual the page of examples.
var (
	OpenAPI = openapi
	Manual  = manual
)

// Decode is the strict reading of a body.
var Decode = decode

// SpendInput is the largest request.
type SpendInput = spendInput
