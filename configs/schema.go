package configs

import _ "embed"

//go:embed schema.json
var schema []byte

// Schema is the JSON Schema (2020-12) of the configuration file, generated from the structs of this package.
func Schema() []byte { return schema }
