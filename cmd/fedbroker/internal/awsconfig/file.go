package awsconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/atomicfile"
)

// Path is where the AWS configuration file is: AWS_CONFIG_FILE, else .aws/config in the home folder.
func Path(goos string, getenv func(string) (string, bool)) (string, error) {
	return path(goos, getenv, "AWS_CONFIG_FILE", "config")
}

// CredentialsPath is where the shared credentials file is: AWS_SHARED_CREDENTIALS_FILE, else .aws/credentials.
func CredentialsPath(goos string, getenv func(string) (string, bool)) (string, error) {
	return path(goos, getenv, "AWS_SHARED_CREDENTIALS_FILE", "credentials")
}

func path(goos string, getenv func(string) (string, bool), variable, name string) (string, error) {
	home := "HOME"
	if goos == "windows" {
		home = "USERPROFILE"
	}
	dir, _ := getenv(home)
	file, _ := getenv(variable)
	rest, tilde := strings.CutPrefix(file, "~/")
	switch {
	case file != "" && !tilde:
		return file, nil
	case dir == "":
		return "", fmt.Errorf("cannot tell your home folder; set %s or %s", home, variable)
	case tilde:
		return filepath.Join(dir, rest), nil
	}
	return filepath.Join(dir, ".aws", name), nil
}

// Update edits a file as Edit does. It is written only when that changes it.
func Update(file string, owner string, sections []Section) (res Result, changed bool, err error) {
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target
	}
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(file); err == nil {
		mode = info.Mode().Perm()
	}
	content, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Result{}, false, err
	}
	res, err = Edit(content, owner, sections)
	if err != nil {
		return Result{}, false, fmt.Errorf("cannot edit %s: %w", file, err)
	}
	if bytes.Equal(content, res.Content) {
		return res, false, nil
	}
	return res, true, atomicfile.Write(file, res.Content, mode)
}

var settingPattern = regexp.MustCompile(`^([A-Za-z0-9_]+)\s*[=:]`)

// credentialKeys are those that make a profile a way to credentials.
func credentialKeys() []string {
	return []string{
		"aws_access_key_id", "credential_process", "credential_source", "role_arn", "source_profile", "sso_session",
		"sso_start_url", "web_identity_token_file", "login_session",
	}
}

// DefaultCredentials names the setting that makes the default profile of a configuration or credentials file a way to
// credentials; empty when there is none. Such a profile wins over a container endpoint in every SDK.
func DefaultCredentials(content []byte) string {
	in := false
	for raw := range bytes.Lines(content) {
		text := strings.TrimPrefix(string(raw), "\ufeff")
		if headerPattern.MatchString(text) {
			in = headers([]byte(text))["default"]
			continue
		}
		m := settingPattern.FindStringSubmatch(text)
		if in && m != nil && slices.Contains(credentialKeys(), strings.ToLower(m[1])) {
			return strings.ToLower(m[1])
		}
	}
	return ""
}
