package localaws

import (
	"github.com/fedbroker/fedbroker/sts/localaws/internal/iam"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

type callerIdentity struct {
	Arn     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string `xml:"Account"`
}

// getCallerIdentity implements GetCallerIdentity, which needs no permission and knows no deny.
func (s *Server) getCallerIdentity(c *call) (any, error) {
	return callerIdentity{Arn: c.caller.arn(), UserID: c.caller.userID(), Account: c.caller.account.ID}, nil
}

type accessKeyInfo struct {
	Account string `xml:"Account"`
}

// getAccessKeyInfo implements GetAccessKeyInfo: the account of any key id, whatever its state.
func (s *Server) getAccessKeyInfo(c *call) (any, error) {
	id, _ := c.query.Get("AccessKeyId")
	var check wire.Checker
	check.String("accessKeyId", id, keyIDShape)
	if err := check.Err(); err != nil {
		return nil, err
	}
	if d := c.decide(c.callerContext(), "sts:GetAccessKeyInfo", "*"); !d.Allowed {
		return nil, wire.AccessDenied("User: %s is not authorized to perform: sts:GetAccessKeyInfo %s", c.caller.arn(), d.Because)
	}
	if key, ok := s.state.AccessKey(id); ok {
		return accessKeyInfo{key.User.Account.ID}, nil
	}
	account, ok := iam.DecodeAccount(id)
	if !ok {
		return nil, wire.ValidationError("Access key ID %s is not valid.", id)
	}
	return accessKeyInfo{account}, nil
}
