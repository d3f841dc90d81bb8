// Package strictyaml decodes YAML into plain structs and reports everything that is wrong, with line and column.
//
// It owns the reading only; what values mean is the caller's. It refuses unknown and duplicate keys, anchors and
// aliases, a second document, and scalars of another type than the field's (an unquoted account id would lose its
// leading zeros). A struct with a field Pos of type [Position] learns where it stood. A field of type
// encoding/json.RawMessage takes a YAML mapping or sequence, turned into JSON, or a string that holds JSON.
// It fails with [Problems].
package strictyaml
