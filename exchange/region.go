package exchange

import "healthcode/registry"

var regionColumns = func() *columnSet[registry.Region] {
	type d = registry.Region
	return &columnSet[d]{kind: kindRegions, columns: []column[d]{
		textColumn("code", func(x *d) *string { return &x.Code }),
		textColumn("name", func(x *d) *string { return &x.Name }),
	}}
}()
