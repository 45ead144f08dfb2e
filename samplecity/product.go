package samplecity

import (
	_ "embed" // the catalogue below
	"encoding/json"
	"fmt"

	"healthcode/registry"
)

//go:embed products.json
var productsJSON []byte

// good is a product of the catalogue with what the generator needs to know of its makers.
type good struct {
	registry.Product
	Industry string `json:"industry"` // GB/T 4754 class of its makers
	Trade    string `json:"trade"`    // the word for the trade in a maker's name
	Weight   int    `json:"weight"`   // how many makers, against the others
}

// catalogue holds the goods in the order of the file. Groups are those of the national catalogue of key products, the last one is a
// local addition. The national catalogue carries no risk levels; these are ours, and a bureau would set its own.
var catalogue = func() []good {
	var goods []good
	if err := json.Unmarshal(productsJSON, &goods); err != nil {
		panic(fmt.Sprintf("samplecity: products.json: %v", err)) // embedded and tested
	}
	return goods
}()

// inGroup maps a product's code to the goods of its group whose risk is not higher.
var inGroup = func() map[string][]*good {
	lists := make(map[string][]*good, len(catalogue))
	for i := range catalogue {
		for j := range catalogue {
			if i != j && catalogue[i].Group == catalogue[j].Group && catalogue[j].Risk <= catalogue[i].Risk {
				lists[catalogue[i].Code] = append(lists[catalogue[i].Code], &catalogue[j])
			}
		}
	}
	return lists
}()

// goodOf returns the good with a code.
func goodOf(code string) *good {
	for i := range catalogue {
		if catalogue[i].Code == code {
			return &catalogue[i]
		}
	}
	panic("samplecity: no product " + code) // codes come from the catalogue; a test makes every showcase
}

// specialities are the trades that each county is known for: their makers are several times as many there.
var specialities = map[string][]string{
	"330402": {"汽配", "电子", "童装", "包装"},
	"330411": {"光伏", "针织", "厨电", "丝绸"},
	"330421": {"木业", "纽扣", "电声", "家具"},
	"330424": {"紧固件", "吊顶", "玩具"},
	"330481": {"皮革", "经编", "家纺", "照明"},
	"330482": {"服饰", "箱包", "童车"},
	"330483": {"针织", "玻纤", "线缆", "鞋业"},
}

const specialityFactor = 4

// goodWeights holds the weight of every good in every county.
var goodWeights = func() map[string][]int {
	weights := make(map[string][]int, len(specialities))
	for county, trades := range specialities {
		list := make([]int, len(catalogue))
		for i := range catalogue {
			list[i] = catalogue[i].Weight
			for _, trade := range trades {
				if catalogue[i].Trade == trade {
					list[i] *= specialityFactor
				}
			}
		}
		weights[county] = list
	}
	return weights
}()
