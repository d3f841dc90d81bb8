package sts

import (
	"fmt"
	"regexp"
	"strings"
)

// RoleARN is the ARN of an IAM role, as checked by [ParseRoleARN].
type RoleARN string

// Partition is one of AWS's partitions.
type Partition string

// The partitions that the broker knows endpoints for.
const (
	PartitionAWS   Partition = "aws"
	PartitionChina Partition = "aws-cn"
	PartitionGov   Partition = "aws-us-gov"
)

// Role names are 1-64 of [\w+=,.@-]; paths are printable ASCII (IAM API reference, Role).
var rolePattern = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::([0-9]{12}):role(/|/[!-~]{1,510}/)([\w+=,.@-]{1,64})$`)

// ParseRoleARN accepts exactly one spelling of a role: no blanks, other partitions, wildcards or encodings.
func ParseRoleARN(s string) (RoleARN, error) {
	if !rolePattern.MatchString(s) || strings.ContainsAny(s, "*?\\%") {
		return "", fmt.Errorf("%q is not the ARN of an IAM role (arn:aws:iam::111122223333:role/Name)", s)
	}
	return RoleARN(s), nil
}

func (a RoleARN) part(i int) string {
	if parts := strings.SplitN(string(a), ":", 6); len(parts) == 6 {
		return parts[i]
	}
	return ""
}

// Partition returns aws, aws-cn or aws-us-gov.
func (a RoleARN) Partition() Partition { return Partition(a.part(1)) }

// AccountID returns the twelve digits of the account that owns the role.
func (a RoleARN) AccountID() string { return a.part(4) }

// Name returns the role's name without its path.
func (a RoleARN) Name() string { return string(a)[strings.LastIndexByte(string(a), '/')+1:] }

// AssumedRoleARN is how a session of the role is named; AWS drops the role's path (sts fact sheet, section 3.1).
func (a RoleARN) AssumedRoleARN(session string) string {
	return fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", a.Partition(), a.AccountID(), a.Name(), session)
}
