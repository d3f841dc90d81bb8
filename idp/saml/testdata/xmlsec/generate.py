"""Makes the Responses of this directory with xmlsec1 (libxml2 and OpenSSL), an implementation that shares nothing with ours.

Run it here with xmlsec1 and openssl in the path: python3 generate.py. It keeps ec.pem when there is one."""
import os
import subprocess

KEYS = "../../../idptest/testdata/"
IDP_KEY, SP_KEY, EC_KEY = KEYS + "saml-key-0.pem", KEYS + "saml-key-3.pem", "ec.pem"
ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
ENC = "http://www.w3.org/2001/04/xmlenc#"
EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
ACS = "https://broker.example.com/saml/corp/acs"


def signature(ref, method=MORE + "rsa-sha256", digest=ENC + "sha256", prefixes="", prefix="ds:", comments=""):
    inc = f'<ec:InclusiveNamespaces xmlns:ec="{EXC}" PrefixList="{prefixes}"/>' if prefixes else ""
    p = prefix
    ns = f'xmlns:{p[:-1]}="{DSIG}"' if p else f'xmlns="{DSIG}"'
    return f"""<{p}Signature {ns}>
  <{p}SignedInfo>
    <{p}CanonicalizationMethod Algorithm="{EXC}{comments}">{inc}</{p}CanonicalizationMethod>
    <{p}SignatureMethod Algorithm="{method}"/>
    <{p}Reference URI="#{ref}">
      <{p}Transforms>
        <{p}Transform Algorithm="{DSIG}enveloped-signature"/>
        <{p}Transform Algorithm="{EXC}{comments}">{inc}</{p}Transform>
      </{p}Transforms>
      <{p}DigestMethod Algorithm="{digest}"/>
      <{p}DigestValue/>
    </{p}Reference>
  </{p}SignedInfo>
  <{p}SignatureValue/>
  <{p}KeyInfo><{p}KeyName>k</{p}KeyName></{p}KeyInfo>
</{p}Signature>"""


def assertion(sig, p="saml:", ns=None, extra=""):
    ns = ns if ns is not None else f'xmlns:saml="{ASSERTION}"'
    return f"""<{p}Assertion {ns}
      Version="2.0" ID="_assertion" IssueInstant="2026-08-01T12:00:00Z">
  <{p}Issuer>https://idp.example.com/metadata</{p}Issuer>{sig}
  <{p}Subject>
    <{p}NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">alice@example.com</{p}NameID>
    <{p}SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
      <{p}SubjectConfirmationData Recipient="{ACS}" InResponseTo="_request" NotOnOrAfter="2026-08-01T12:05:00Z"/>
    </{p}SubjectConfirmation>
  </{p}Subject>
  <{p}Conditions NotOnOrAfter="2026-08-01T12:05:00Z" NotBefore="2026-08-01T11:55:00Z">
    <{p}AudienceRestriction><{p}Audience>https://broker.example.com/saml/corp/metadata</{p}Audience></{p}AudienceRestriction>
  </{p}Conditions>
  <{p}AuthnStatement AuthnInstant="2026-08-01T11:59:00Z" SessionIndex="_s">
    <{p}AuthnContext><{p}AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</{p}AuthnContextClassRef></{p}AuthnContext>
  </{p}AuthnStatement>
  <{p}AttributeStatement xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
    <{p}Attribute Name="groups" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" xmlns:x500="urn:oasis:names:tc:SAML:2.0:profiles:attribute:X500" x500:Encoding="LDAP" FriendlyName="a &amp; b">
      <{p}AttributeValue xsi:type="xs:string">staff</{p}AttributeValue>
      <{p}AttributeValue xsi:type="xs:string" xml:lang="de">Zürich &lt;&amp;&gt; "q" &#13;&#9;</{p}AttributeValue>
    </{p}Attribute>{extra}
  </{p}AttributeStatement>
</{p}Assertion>"""


def response(sig, inner, extra=""):
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<samlp:Response xmlns:samlp="{PROTOCOL}" xmlns:saml="{ASSERTION}" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:unused="urn:unused" {extra}
    ID="_response" Version="2.0" IssueInstant="2026-08-01T12:00:00Z" Destination="{ACS}" InResponseTo="_request">
  <saml:Issuer>https://idp.example.com/metadata</saml:Issuer>{sig}
  <samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
  {inner}
</samlp:Response>
"""


def run(*args):
    subprocess.run(args, check=True)


IDS = ["--id-attr:ID", ASSERTION + ":Assertion", "--id-attr:ID", PROTOCOL + ":Response"]


def sign(name, parent, key):
    run("xmlsec1", "--sign", "--privkey-pem", key, *IDS, "--node-xpath", f"//*[local-name()='{parent}']/*[local-name()='Signature']", "--output", name, name)


def write(name, doc, *parents, key=IDP_KEY):
    with open(name, "w", newline="", encoding="utf-8") as f:
        f.write(doc)
    for parent in parents:
        sign(name, parent, key)


def encrypt(name, cipher, size, transport):
    template = f"""<xenc:EncryptedData xmlns:xenc="{ENC}" Type="{ENC}Element">
  <xenc:EncryptionMethod Algorithm="{cipher}"/>
  <ds:KeyInfo xmlns:ds="{DSIG}"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{ENC}{transport}"/>
    <xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>
  <xenc:CipherData><xenc:CipherValue/></xenc:CipherData>
</xenc:EncryptedData>"""
    with open("template.tmp", "w") as f:
        f.write(template)
    run("openssl", "pkey", "-in", SP_KEY, "-pubout", "-out", "pub.tmp")
    run("xmlsec1", "--encrypt", "--pubkey-pem", "pub.tmp", "--session-key", size, "--xml-data", name, "--node-name", ASSERTION + ":Assertion", "--output", name, "template.tmp")
    os.remove("template.tmp")
    os.remove("pub.tmp")


def main():
    if not os.path.exists(EC_KEY):
        run("openssl", "genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", EC_KEY)
    a, r = "_assertion", "_response"
    write("assertion.xml", response("", assertion(signature(a))), "Assertion")
    write("response.xml", response(signature(r), assertion("")), "Response")
    write("both.xml", response(signature(r), assertion(signature(a))), "Assertion", "Response")
    write("prefixlist.xml", response("", assertion(signature(a, prefixes="xs saml unused nowhere"))), "Assertion")
    write("default-prefixlist.xml", response("", assertion(signature(a, prefixes="#default xs"), p="", ns=f'xmlns="{ASSERTION}"')), "Assertion")
    write("response-prefixlist.xml", response(signature(r, prefixes="#default unused xs"), assertion("", p="", ns=f'xmlns="{ASSERTION}"'), 'xmlns="urn:default"'), "Response")
    write("unprefixed.xml", response("", assertion(signature(a, prefix=""), p="", ns=f'xmlns="{ASSERTION}"')), "Assertion")
    write("sha512.xml", response("", assertion(signature(a, MORE + "rsa-sha512", ENC + "sha512"))), "Assertion")
    write("sha384.xml", response(signature(r, MORE + "rsa-sha384", MORE + "sha384"), assertion("")), "Response")
    write("ecdsa.xml", response("", assertion(signature(a, MORE + "ecdsa-sha256"))), "Assertion", key=EC_KEY)
    write("with-comments.xml", response("", assertion(signature(a, comments="WithComments"))), "Assertion")
    write("comments.xml", response(signature(r), "<!-- one -->" + assertion("", extra="<!-- two -->")), "Response")
    write("line-ends.xml", response("", assertion(signature(a))).replace("\n", "\r\n"), "Assertion")
    odd = '<saml:Attribute Name="odd &#10;&#9; name"\n  xmlns:z="urn:a" xmlns:a="urn:z" z:b="1" a:b="2" FriendlyName="two\n\tlines"><saml:AttributeValue> x\n </saml:AttributeValue></saml:Attribute>'
    write("odd.xml", response("", assertion(signature(a), extra=odd)), "Assertion")
    for name, cipher, size in [
        ("aes128-cbc", ENC + "aes128-cbc", "aes-128"),
        ("aes256-cbc", ENC + "aes256-cbc", "aes-256"),
        ("aes128-gcm", "http://www.w3.org/2009/xmlenc11#aes128-gcm", "aes-128"),
        ("aes256-gcm", "http://www.w3.org/2009/xmlenc11#aes256-gcm", "aes-256"),
    ]:
        file = f"encrypted-{name}.xml"
        write(file, response("", f"<saml:EncryptedAssertion>{assertion(signature(a))}</saml:EncryptedAssertion>"), "Assertion")
        encrypt(file, cipher, size, "rsa-oaep-mgf1p")
    file = "encrypted-in-signed.xml"
    write(file, response(signature(r), f"<saml:EncryptedAssertion>{assertion('')}</saml:EncryptedAssertion>"))
    encrypt(file, ENC + "aes256-cbc", "aes-256", "rsa-oaep-mgf1p")
    sign(file, "Response", IDP_KEY)


main()
