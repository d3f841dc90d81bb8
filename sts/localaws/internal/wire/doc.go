// Package wire is AWS's Query protocol as a server sees it: form parameters in, XML out.
//
// It owns the reading of parameters ([Query]), the checking of their shapes ([Checker]) and the envelopes of
// answers ([Write]) and errors ([Error]). It refuses duplicate parameters, other content types than a form, bodies
// beyond [MaxBody] and values that are not UTF-8, before anything else looks at the request. Invariants: a parameter
// has at most one value; a list keeps the order of its indexes; a value marked sensitive is in no message.
// It fails with an [Error], which carries AWS's code, message and HTTP status.
package wire
