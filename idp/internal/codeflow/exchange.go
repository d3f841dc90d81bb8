package codeflow

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/oauth2"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// Tokens are the answer to a code. Nothing in it is verified.
type Tokens struct {
	Access secret.Text
	// ID is the id_token of an OpenID provider; empty without one.
	ID secret.Text
}

// Exchange redeems a code with the verifier of its request (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
func (c Client) Exchange(ctx context.Context, s Server, code, verifier string) (Tokens, error) {
	if verifier == "" {
		return Tokens{}, refuse("the sign-in has no code verifier")
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, c.HTTP)
	token, err := c.config(s).Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return Tokens{}, exchangeFailed(err)
	}
	if !strings.EqualFold(token.TokenType, "Bearer") {
		return Tokens{}, refuse("the identity provider's access token is not a bearer token")
	}
	id, _ := token.Extra("id_token").(string)
	return Tokens{Access: secret.New(token.AccessToken), ID: secret.New(id)}, nil
}

// exchangeFailed keeps the answer's body out of the error: it may echo the code.
func exchangeFailed(err error) error {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) || answer.Response == nil {
		return idp.Refuse(idp.KindUnavailable, "the identity provider's token endpoint cannot be reached", err)
	}
	status := answer.Response.StatusCode
	cause := fmt.Errorf("token endpoint: status %d, error %q", status, clip(answer.ErrorCode, 64))
	switch {
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		return idp.Refuse(idp.KindUnavailable, "the identity provider's token endpoint has trouble of its own; try again", cause)
	case answer.ErrorCode == "invalid_client" || answer.ErrorCode == "unauthorized_client" || answer.ErrorCode == "incorrect_client_credentials":
		return idp.Refuse(idp.KindUnavailable, "the identity provider does not accept this broker's client id or secret; they must be configured anew", cause)
	}
	return idp.Refuse(idp.KindInvalid, "the identity provider does not accept the sign-in code: it was used, is too old, or is not for this sign-in", cause)
}
