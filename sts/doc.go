// Package sts is the vocabulary of the way out: how a granted role becomes temporary credentials.
//
// It owns [RoleARN], [Request], [Credentials], the port [Assumer] and the error kinds of AWS's Security Token
// Service. It refuses ARNs that are not exactly an IAM role of one account in a known partition.
// It imports nothing of ours but the leaves; sts/aws implements the port over aws-sdk-go-v2, sts/console makes
// sign-in URLs, sts/iampolicy is IAM's policy language and sts/localaws the embedded AWS.
package sts
