package iampolicy

import "strings"

// IsListKey reports whether AWS types a condition key as a list, so that a request sets it with [Context.SetMulti]
// however many values it has (service authorization reference; oidc-aws fact sheet A.5, saml-aws section 6).
func IsListKey(key string) bool {
	folded := foldKey(key)
	switch folded {
	case "aws:tagkeys", "aws:calledvia", "aws:principalorgpaths", "aws:resourceorgpaths",
		"aws:principalservicenameslist", "sts:transitivetagkeys", "sts:identitytokenaudience",
		"sts:requestcontextproviders":
		return true
	}
	if name, ok := strings.CutPrefix(folded, "saml:"); ok {
		return isSAMLList(name)
	}
	return strings.HasSuffix(folded, ":amr")
}

// isSAMLList tells the list-valued directory attributes by their folded name.
func isSAMLList(name string) bool {
	switch name {
	case "edupersonaffiliation", "edupersonnickname", "edupersonorgunitdn", "edupersonentitlement",
		"edupersonscopedaffiliation", "edupersontargetedid", "edupersonassurance", "eduorghomepageuri",
		"eduorgidentityauthnpolicyuri", "eduorglegalname", "eduorgsuperioruri", "eduorgwhitepagesuri", "cn":
		return true
	default:
		return false
	}
}
