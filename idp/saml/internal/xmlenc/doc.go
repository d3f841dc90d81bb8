// Package xmlenc decrypts an encrypted SAML element (XML Encryption 1.1, SAML core section 6).
//
// It owns [Decrypt]. It accepts AES-CBC and AES-GCM with 128, 192 or 256 bits, under RSA-OAEP with SHA-1 or SHA-2 as
// digest and as mask. It refuses RSA PKCS#1 v1.5 and triple DES, references out of the element, and OAEP labels.
//
// Encryption says nothing about the sender: anyone can encrypt to our public key. What comes out is as untrusted as
// what came in, until a signature speaks for it. Decrypt has one error for every failure and never panics, whatever
// the length of the ciphertext, so that it serves neither as an oracle nor as a way to crash us.
package xmlenc
