package exchange

import (
	"strconv"

	"healthcode/registry"
)

var productColumns = func() *columnSet[registry.Product] {
	type d = registry.Product
	return &columnSet[d]{kind: kindProducts, columns: []column[d]{
		textColumn("code", func(x *d) *string { return &x.Code }),
		textColumn("group", func(x *d) *string { return &x.Group }),
		textColumn("name", func(x *d) *string { return &x.Name }),
		levelColumn("risk", func(x *d) *registry.RiskLevel { return &x.Risk }, "general, higher or high"),
		{name: "licence_needed",
			set: func(into *d, text string) *fault { return setBool(&into.LicenceNeeded, text) },
			get: func(from *d) string { return strconv.FormatBool(from.LicenceNeeded) }},
		listColumn("standards", func(x *d) *[]string { return &x.Standards }),
		textColumn("users", func(x *d) *string { return &x.Users }),
		textColumn("attention", func(x *d) *string { return &x.Attention }),
		textColumn("risk_reason", func(x *d) *string { return &x.RiskReason }),
		dayColumn("since", func(x *d) *registry.Day { return &x.Since }),
	}}
}()
