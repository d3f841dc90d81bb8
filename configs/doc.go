// Package configs is the broker's configuration: one strict YAML file.
//
// It owns the structs of every key of the product (config.go), the strict loader that knows where each value stands
// (decode.go), the checks that need nothing but the file (validate.go), schema.json, which is generated from the
// structs, and the example *.yaml files, each loaded and checked by a test.
//
// It refuses unknown and duplicate keys, a second document, aliases, unset secret references, literal secrets, and
// keys that this version does not serve yet: a key is read or refused, never ignored. All problems are reported at
// once, each with file, line and column.
//
// Secrets are never written in the file: env:NAME and file:PATH name where they are. Relative paths start at the
// file's own folder.
package configs
