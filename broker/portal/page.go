package portal

import (
	"net/url"

	"github.com/fedbroker/fedbroker/sts"
)

// pageIn reads which console page a form or a link asks for: one of destination, service and arn, and perhaps a region.
// Only their number is checked here: what may be opened, whichever way it is said, the core knows.
func pageIn(form url.Values) (sts.Page, error) {
	page := sts.Page{Region: form.Get("region")}
	for _, name := range []string{"destination", "service", "arn"} {
		value := form.Get(name)
		switch {
		case value == "":
		case page.Destination != "":
			return sts.Page{}, bad("destination, service and arn each name a page of the console; leave all but one of them out")
		default:
			page.Destination = value
		}
	}
	return page, nil
}
