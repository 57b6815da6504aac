// Package api is the door for programs: REST under /api with JSON bodies. v1alpha speaks the old
// Specter's shapes, v1 speaks this program's own; both call the services that the pages call.
package api
