package client

import (
	"fmt"
	"os/exec"
)

// OpenBrowser opens a URL in the system's browser and does not wait for it. The URL is one argument of a program, never
// part of a shell's line. What the browser prints goes nowhere.
func OpenBrowser(goos, url string) error {
	name, args := "xdg-open", []string{url}
	switch goos {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	cmd := exec.Command(name, args...)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot open a browser: %w", err)
	}
	go func() { _ = cmd.Wait() }() // so that no zombie stays
	return nil
}
