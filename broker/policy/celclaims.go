package policy

import (
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// claimsVariable is the one variable that expressions have.
const claimsVariable = "claims"

// claimsValue is the CEL map `claims`. It reads single claims through the view, so that an expression over two claims
// does not pay for decoding them all, and becomes an ordinary map only when an expression treats it as a whole.
type claimsValue struct{ v *view }

var (
	_ traits.Mapper  = claimsValue{}
	_ cel.Activation = claimsValue{}
)

// ResolveName makes the value its own activation.
func (c claimsValue) ResolveName(name string) (any, bool) { return c, name == claimsVariable }

// Parent is nil: there is nothing else to resolve.
func (claimsValue) Parent() cel.Activation { return nil }

// Find returns the claim; a key that is not a string finds nothing.
func (c claimsValue) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key), false
	}
	value, found := c.v.claim(string(name))
	if !found {
		return nil, false
	}
	return types.DefaultTypeAdapter.NativeToValue(value), true
}

// Get is Find with an error for what is absent.
func (c claimsValue) Get(key ref.Val) ref.Val {
	value, found := c.Find(key)
	if !found {
		return types.ValOrErr(value, "no such key: %v", key)
	}
	return value
}

// Contains implements `"name" in claims`.
func (c claimsValue) Contains(key ref.Val) ref.Val {
	value, found := c.Find(key)
	if value != nil && types.IsUnknownOrError(value) {
		return value
	}
	return types.Bool(found)
}

func (c claimsValue) whole() traits.Mapper {
	return types.NewStringInterfaceMap(types.DefaultTypeAdapter, c.v.all())
}

// Iterator, Size, Equal, the conversions, Type and Value are those of an ordinary map.

func (c claimsValue) Iterator() traits.Iterator   { return c.whole().Iterator() }
func (c claimsValue) Size() ref.Val               { return c.whole().Size() }
func (c claimsValue) Equal(other ref.Val) ref.Val { return c.whole().Equal(other) }
func (c claimsValue) ConvertToNative(t reflect.Type) (any, error) {
	return c.whole().ConvertToNative(t)
}
func (c claimsValue) ConvertToType(t ref.Type) ref.Val { return c.whole().ConvertToType(t) }
func (claimsValue) Type() ref.Type                     { return types.MapType }
func (c claimsValue) Value() any                       { return c.v.all() }
