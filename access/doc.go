// Package access says who may do what: the roles of staff and the regions that bound them, enterprises, agencies and partners with
// their purposes, and the rule that each route of the API carries. It knows no request, no database and no clock.
package access
