package samplecity

import "healthcode/registry"

// bodies is how many different bodies there are: six characters of the 31 of GB 32100.
const bodies = 31 * 31 * 31 * 31 * 31 * 31

// MaxEnterprises is the largest city whose codes are all different.
const MaxEnterprises = bodies

// inventedPrefix opens the organisation code of every invented enterprise. Codes that are handed out begin with digits (older
// ones) or MA and similar; none of those that we have seen begins with YY.
const inventedPrefix = "YY"

// body returns the six characters of enterprise i: a different one for each i below bodies, in an order that the seed shifts.
func body(seed uint64, i int) string {
	n := ((seed^seed>>32)%bodies + uint64(i)*467_213_579) % bodies // the factor has no divisor in common with 31, so no two i share a body
	var text [6]byte
	for at := len(text) - 1; at >= 0; at-- {
		text[at] = registry.USCCAlphabet[n%31]
		n /= 31
	}
	return string(text[:])
}

// makeUSCC builds a valid code: 91 (an enterprise registered with market supervision), the county, the organisation code with its
// own check character (GB 11714), and the check character (GB 32100-2015).
func makeUSCC(county, body string) registry.USCC {
	organisation := inventedPrefix + body
	first17 := "91" + county + organisation + string(organisationCheck(organisation))
	return registry.USCC(first17 + string(registry.USCCCheckCharacter(first17)))
}

// organisationCheck returns the ninth character of an organisation code: weights 3 7 9 10 5 8 4 2, 11 - sum mod 11,
// where 10 is X and 11 is 0 (GB 11714).
func organisationCheck(first8 string) byte {
	weights := [8]int{3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i := range len(first8) {
		value := int(first8[i] - '0')
		if first8[i] >= 'A' {
			value = int(first8[i]-'A') + 10
		}
		sum += value * weights[i]
	}
	return "0123456789X0"[11-sum%11]
}
