package console

import (
	"maps"
	"slices"
)

// service is the start page of one service. A global one has the same page in every region.
type service struct {
	path, fragment string
	global         bool
}

// services are those that can be opened by name: their names in ARNs and on AWS's command line, and what people call
// them. It is a list of what is allowed, so that no name becomes a path by itself. For all others there is the address.
var services = map[string]service{
	"acm":            {path: "acm/home"},
	"apigateway":     {path: "apigateway/home"},
	"athena":         {path: "athena/home"},
	"autoscaling":    {path: "ec2/home", fragment: "#AutoScalingGroups:"},
	"backup":         {path: "backup/home"},
	"batch":          {path: "batch/home"},
	"bedrock":        {path: "bedrock/home"},
	"billing":        {path: "billing/home", global: true},
	"ce":             {path: "costmanagement/home", global: true},
	"cloudformation": {path: "cloudformation/home"},
	"cloudfront":     {path: "cloudfront/v4/home", global: true},
	"cloudshell":     {path: "cloudshell/home"},
	"cloudtrail":     {path: "cloudtrailv2/home"},
	"cloudwatch":     {path: "cloudwatch/home"},
	"codebuild":      {path: "codesuite/codebuild/projects"},
	"codepipeline":   {path: "codesuite/codepipeline/pipelines"},
	"cognito":        {path: "cognito/v2/home"},
	"config":         {path: "config/home"},
	"dynamodb":       {path: "dynamodbv2/home"},
	"ec2":            {path: "ec2/home"},
	"ecr":            {path: "ecr/home"},
	"ecs":            {path: "ecs/v2/home"},
	"efs":            {path: "efs/home"},
	"eks":            {path: "eks/home"},
	"elasticache":    {path: "elasticache/home"},
	"eventbridge":    {path: "events/home"},
	"events":         {path: "events/home"},
	"glue":           {path: "glue/home"},
	"guardduty":      {path: "guardduty/home"},
	"health":         {path: "health/home", global: true},
	"iam":            {path: "iam/home", global: true},
	"kinesis":        {path: "kinesis/home"},
	"kms":            {path: "kms/home"},
	"lambda":         {path: "lambda/home"},
	"logs":           {path: "cloudwatch/home", fragment: "#logsV2:log-groups"},
	"opensearch":     {path: "aos/home"},
	"organizations":  {path: "organizations/v2/home", global: true},
	"rds":            {path: "rds/home"},
	"redshift":       {path: "redshiftv2/home"},
	"route53":        {path: "route53/v2/home", global: true},
	"s3":             {path: "s3/home"},
	"sagemaker":      {path: "sagemaker/home"},
	"secretsmanager": {path: "secretsmanager/home"},
	"securityhub":    {path: "securityhub/home"},
	"servicequotas":  {path: "servicequotas/home"},
	"ses":            {path: "ses/home"},
	"sns":            {path: "sns/v3/home"},
	"sqs":            {path: "sqs/v3/home"},
	"ssm":            {path: "systems-manager/home"},
	"sso":            {path: "singlesignon/home"},
	"states":         {path: "states/home"},
	"stepfunctions":  {path: "states/home"},
	"support":        {path: "support/home", global: true},
	"vpc":            {path: "vpcconsole/home"},
	"wafv2":          {path: "wafv2/homev2"},
}

// Services are the names of the services that can be opened by name, sorted.
func Services() []string { return slices.Sorted(maps.Keys(services)) }
