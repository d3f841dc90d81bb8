package sts

// Page is where in the AWS console a session begins. The zero value is the console's home in the role's region.
type Page struct {
	// Destination is one of: the address of a page of the console, the ARN of what to show, the short name of a service
	// (s3). Package sts/console reads it, and refuses what is none of them.
	Destination string
	// Region is where to begin, eu-central-1 say; empty means the role's own. An address names its region itself.
	Region string
}
