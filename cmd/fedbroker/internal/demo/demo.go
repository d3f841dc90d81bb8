package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Options are the flags of the command.
type Options struct {
	Once, JSON, Reveal bool
	// ReadyFile, when set, gets the URLs once all three parties answer.
	ReadyFile      string
	Version        string
	Stdout, Stderr io.Writer
}

// Run builds the world, tells the story and, without Once, stays up until ctx ends.
func Run(ctx context.Context, o Options) error {
	if o.ReadyFile != "" { // one from an earlier run would be believed
		if err := os.Remove(o.ReadyFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	w, err := build(ctx, o.Version, o.Stderr)
	if err != nil {
		return err
	}
	return w.run(ctx, func(ctx context.Context) error {
		if err := writeReady(o.ReadyFile, w.urls); err != nil {
			return err
		}
		result, err := visit(ctx, w)
		if err != nil {
			return err
		}
		if !o.Reveal {
			result.shorten()
		}
		if err := o.tell(w, result); err != nil || o.Once {
			return err
		}
		<-ctx.Done()
		fmt.Fprintln(o.Stderr, "\nThe demo is over; its keys and passwords are gone with it.")
		return nil
	})
}

func (o Options) tell(w *world, r *Result) error {
	if o.JSON {
		enc := json.NewEncoder(o.Stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(r); err != nil || o.Once {
			return err
		}
		s := story{w: w, r: r}
		s.people()
		_, err := io.WriteString(o.Stderr, s.b.String())
		return err
	}
	s := story{w: w, r: r, stays: !o.Once}
	_, err := io.WriteString(o.Stdout, s.text())
	return err
}

// writeReady puts the file in its place in one step: whoever waits for it never reads half of it.
func writeReady(name string, urls URLs) error {
	if name == "" {
		return nil
	}
	b, err := json.Marshal(urls)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".ready-*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is the one to tell
	}
	return err
}
