package scoring

// DecayTable opens the decay table to tests.
var DecayTable = decayTable
