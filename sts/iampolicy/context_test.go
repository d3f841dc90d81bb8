package iampolicy

import (
	"reflect"
	"testing"
)

func TestContext(t *testing.T) {
	t.Parallel()
	var c Context
	if _, ok := c.Get("aws:username"); ok {
		t.Error("the zero Context has a key")
	}
	c.Set("aws:PrincipalTag/Team", "red")
	c.SetMulti("aws:TagKeys")
	if v, ok := c.Get("AWS:principaltag/TEAM"); !ok || v.Multi || !reflect.DeepEqual(v.Values, []string{"red"}) {
		t.Errorf("single value: %+v, %v", v, ok)
	}
	if v, ok := c.Get("aws:tagkeys"); !ok || !v.Multi || len(v.Values) != 0 {
		t.Errorf("empty list: %+v, %v", v, ok)
	}
	d := c.Clone()
	d.Set("aws:principaltag/team", "blue")
	d.Delete("AWS:TAGKEYS")
	if v, _ := c.Get("aws:PrincipalTag/Team"); v.Values[0] != "red" {
		t.Error("changing a clone changed the original")
	}
	if _, ok := d.Get("aws:TagKeys"); ok {
		t.Error("Delete left the key")
	}
	var names []string
	for v := range c.All() {
		names = append(names, v.Name)
	}
	if want := []string{"aws:PrincipalTag/Team", "aws:TagKeys"}; !reflect.DeepEqual(names, want) {
		t.Errorf("All() gave %v, want %v", names, want)
	}
	for range c.All() {
		break
	}
}

func TestSetMultiCopies(t *testing.T) {
	t.Parallel()
	values := []string{"a"}
	var c Context
	c.SetMulti("x:y", values...)
	values[0] = "b"
	if v, _ := c.Get("x:y"); v.Values[0] != "a" {
		t.Error("SetMulti kept the caller's slice")
	}
}

func TestIsListKey(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{
		"aws:TagKeys": true, "STS:TransitiveTagKeys": true, "saml:eduPersonEntitlement": true, "saml:cn": true,
		"idp.example.com:amr": true, "saml:sub": false, "saml:commonName": false, "idp.example.com:sub": false, "aws:PrincipalTag/amr": false,
	} {
		if got := IsListKey(key); got != want {
			t.Errorf("IsListKey(%q) = %v", key, got)
		}
	}
}
