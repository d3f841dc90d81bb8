"""Writes canonical.json: documents and their exclusive canonical form, as Python's xml.etree makes it (C14N 2.0 without
parameters, which is exclusive canonicalisation without comments). Run it here: python3 canonical.py"""
import json
import xml.etree.ElementTree as ET

DOCS = [
    '<a/>',
    '<a  b = "c"\n d=\'e\' />',
    '<?xml version="1.0" encoding="UTF-8"?>\n<!-- x --><a>b<!-- --></a>'.replace('b<!-- -->', '<b/><!-- -->'),
    '<a xmlns="urn:a"><b/><c xmlns="urn:c"><d xmlns="urn:a"/></c></a>',
    '<a xmlns="urn:a"><b xmlns=""><c xmlns="urn:a"/><d/></b></a>',
    '<a><b xmlns=""/></a>',
    '<p:a xmlns:p="urn:p" xmlns:q="urn:q" xmlns:r="urn:r"><q:b r:x="1"/><p:c/></p:a>',
    '<p:a xmlns:p="urn:p" xmlns:q="urn:q"><b><q:c/><q:d/></b><q:e/></p:a>',
    '<p:a xmlns:p="urn:1"><p:b xmlns:p="urn:2"><p:c xmlns:p="urn:1"/></p:b></p:a>',
    '<p:a xmlns:p="urn:1"><p:b xmlns:p="urn:1"/></p:a>',
    '<a xmlns:b="urn:z" xmlns:c="urn:a" z="1" a="2" c:q="3" b:a="4" b:Z="5" c:B="6"/>',
    '<a xmlns:z="urn:a" xmlns:a="urn:z"><b z:x="1" a:x="2" x="3"/></a>',
    '<a xml:lang="en"><b xml:space="preserve" xml:lang="de" c="d"/></a>',
    '<a b="&lt;&amp;&quot;&apos;&gt;">&lt;&amp;&gt;"\'</a>',
    '<a b="x&#9;y&#10;z&#13;w">x&#9;y&#10;z&#13;w</a>',
    '<a b="x\ty\nz">x\ty\nz\r\nw\rv</a>',
    '<a b="&#x20AC;\u00e9\U0001F600">\u20ac&#233;&#x1F600;</a>',
    '<a>\n  <b>\n    <c/>\n  </b>\n</a>\n',
    '<a b="  two  spaces "> two  spaces </a>',
    '<s:A xmlns:s="urn:s"><s:B xmlns:x="http://www.w3.org/2001/XMLSchema-instance" xmlns:y="urn:y" x:type="y:string">v</s:B></s:A>',
]
json.dump([{"doc": d, "canonical": ET.canonicalize(d)} for d in DOCS], open("canonical.json", "w"), indent=1)
