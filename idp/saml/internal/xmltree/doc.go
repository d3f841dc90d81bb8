// Package xmltree reads the small, strict part of XML that SAML needs, and writes its exclusive canonical form.
//
// It owns [Parse], the tree ([Element]) and [Canonical]. encoding/xml's tokenizer does the lexing; this package
// adds what that tokenizer leaves open: balanced tags, declared prefixes, plain ASCII names with at most one colon,
// no attribute twice (by spelling or by namespace), ids unique in the document whatever their attribute is called,
// attribute-value normalisation (XML 1.0 section 3.3.3), nothing but white space after the root.
//
// It refuses DOCTYPE, processing instructions (but the XML declaration), CDATA, every encoding but UTF-8, relative
// namespace names, text beside child elements or beside comments, and whatever exceeds [Limits].
//
// Invariant: a tree that Parse returned survives Canonical and a second Parse unchanged, comments and the order of
// attributes and declarations apart. FuzzParse holds it.
//
// It fails with plain errors that never quote the document.
package xmltree
