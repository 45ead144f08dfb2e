package samplecity_test

import "healthcode/registry"

var today = registry.MustDay("2026-11-20")
