package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
)

// awsSDK is a program that uses AWS's SDK as any does: it finds credentials by itself, and goes on until it was given so
// many different ones, which it prints.
func awsSDK() {
	if err := retrieve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func retrieve(args []string) error {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for len(seen) < want {
		keys, err := c.Credentials.Retrieve(ctx)
		if err != nil {
			return err
		}
		if !seen[keys.AccessKeyID] {
			seen[keys.AccessKeyID] = true
			fmt.Println(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken, keys.Source, c.Region)
		}
		time.Sleep(50 * time.Millisecond) // as a program that works between two requests
	}
	return nil
}
