// Command fedbroker turns who you are into what you may do in AWS for the next hour.
//
// Each subcommand has a file of its own and a constructor that takes the process; nothing else of the program reads
// flags, the environment or the clock.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.LookupEnv, os.Stdin, os.Stdout, os.Stderr))
}
