package web

import (
	"fmt"
	"html/template"
)

// icons are drawn in a square of 24 with lines; they say nothing that words beside them do not,
// so they are hidden from screen readers.
var icons = map[string]string{
	"ghost":    `<path d="M5 21V10a7 7 0 0 1 14 0v11l-2.4-1.8L14.300 21 12 19.200 9.700 21l-2.300-1.800z"/><path d="M9.500 10v1M14.500 10v1"/>`,
	"node":     `<path d="M4 10a12 12 0 0 1 16 0M7 13.500a7.500 7.500 0 0 1 10 0M10 17a3 3 0 0 1 4 0"/>`,
	"node-off": `<path d="M4 10a12 12 0 0 1 4-2.500M20 10a12 12 0 0 0-9-3M7 13.500a7.500 7.500 0 0 1 3-1.800M10 17a3 3 0 0 1 4 0M4 4l16 16"/>`,
	"home":     `<path d="M4 11l8-7 8 7v9h-5v-6H9v6H4z"/>`,
	"gear":     `<circle cx="12" cy="12" r="3"/><path d="M12 3v3M12 18v3M3 12h3M18 12h3M5.600 5.600l2.200 2.200M16.200 16.200l2.200 2.200M18.400 5.600l-2.200 2.200M7.800 16.200l-2.200 2.200"/>`,
	"key":      `<circle cx="15.500" cy="8.500" r="4.500"/><path d="M12.200 11.800L4 20M7 17l2.500 2.500M10 14l2 2"/>`,
	"keys":     `<circle cx="16" cy="8" r="3.500"/><path d="M13.500 10.500L8 16M9.500 14.500l1.800 1.800"/><circle cx="8" cy="8" r="3.500"/><path d="M8 11.500V20M8 17h2.500"/>`,
	"script":   `<path d="M6 3h9l4 4v14H6zM14 3v5h5M9 13l-1.500 1.500L9 16M13 13l1.500 1.500L13 16"/>`,
	"usb":      `<rect x="8" y="3" width="8" height="12" rx="2"/><path d="M12 15v6M10 6.500h4M10 9.500h4"/>`,
	"card":     `<rect x="6" y="3" width="12" height="18" rx="2"/><path d="M9 7h6M9 11h.01M12 11h.01M15 11h.01M9 14h.01M12 14h.01M15 14h.01M9 17h.01M12 17h.01M15 17h.01"/>`,
	"camera":   `<rect x="5" y="4" width="14" height="16" rx="2"/><circle cx="12" cy="11" r="3.500"/><path d="M9 17.500h6"/>`,
	"chip":     `<rect x="7" y="7" width="10" height="10" rx="1.500"/><path d="M10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4"/>`,
	"flame":    `<path d="M12 3c1 4 5 5.500 5 10.500a5 5 0 0 1-10 0c0-2 1-3.200 2-4.200.3 1.500 1 2.200 1.700 2.500C10.400 9 10.700 6 12 3z"/>`,
	"plus":     `<path d="M12 5v14M5 12h14"/>`,
	"minus":    `<path d="M5 12h14"/>`,
	"eye":      `<path d="M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12z"/><circle cx="12" cy="12" r="3"/>`,
	"eye-off":  `<path d="M4 15.500A16 16 0 0 1 2.500 12S6 5.500 12 5.500c1.500 0 2.800.4 4 1M20 9a16 16 0 0 1 1.500 3S18 18.500 12 18.500c-1.200 0-2.400-.3-3.400-.7M4 4l16 16"/>`,
	"theme":    `<circle cx="12" cy="12" r="8.500"/><path d="M12 3.500v17A8.500 8.500 0 0 0 12 3.500z" fill="currentColor"/>`,
	"in":       `<path d="M12 4v11M7.500 10.500L12 15l4.500-4.500M4 17v3h16v-3"/>`,
	"out":      `<path d="M12 15V4M7.500 8.500L12 4l4.500 4.500M4 17v3h16v-3"/>`,
	"self":     `<path d="M7 8h11l-3-3M17 16H6l3 3"/>`,
	"mixed":    `<path d="M4 7h4l8 10h4M16 7h4M4 17h4l2-2.500M18 5l2 2-2 2M18 15l2 2-2 2"/>`,
	"generate": `<path d="M5 19l8-8M9.500 4.500c4-1 8 1 10 5M13 3.500l7.500 7.500M11.500 6l6.500 6.500"/>`,
	"clock":    `<circle cx="12" cy="12" r="8.500"/><path d="M12 7v5l3.500 2"/>`,
	"tag":      `<path d="M4 4h8l8 8-8 8-8-8z"/><path d="M8 8h.01"/>`,
	"copy":     `<rect x="8" y="8" width="12" height="12" rx="2"/><path d="M16 8V4H4v12h4"/>`,
	"download": `<path d="M12 4v11M7.500 10.500L12 15l4.500-4.500M5 20h14"/>`,
	"upload":   `<path d="M12 15V4M7.500 8.500L12 4l4.500 4.500M5 20h14"/>`,
	"trash":    `<path d="M4 7h16M9 7V4h6v3M6.500 7l1 13h9l1-13M10 11v5M14 11v5"/>`,
	"check":    `<path d="M5 12.500l4.500 4.500L19 7"/>`,
	"warning":  `<path d="M12 4l9 16H3zM12 10v4.500M12 17.500h.01"/>`,
	"info":     `<circle cx="12" cy="12" r="8.500"/><path d="M12 11v5M12 8h.01"/>`,
	"search":   `<circle cx="11" cy="11" r="6.500"/><path d="M16 16l4.500 4.500"/>`,
	"menu":     `<path d="M4 7h16M4 12h16M4 17h16"/>`,
	"close":    `<path d="M6 6l12 12M18 6L6 18"/>`,
	"refresh":  `<path d="M19.500 9A8 8 0 0 0 5 8M4.500 15A8 8 0 0 0 19 16M5 3.500V8h4.500M19 20.500V16h-4.500"/>`,
	"snow":     `<path d="M12 3v18M4.200 7.500l15.600 9M19.800 7.500l-15.600 9M9.500 4.500L12 7l2.500-2.500M9.500 19.500L12 17l2.500 2.500"/>`,
	"lock":     `<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>`,
	"pen":      `<path d="M4 20l1-4L16 5l3 3L8 19zM14 7l3 3"/>`,
	"drop":     `<path d="M12 3.500s6 6.500 6 11a6 6 0 0 1-12 0c0-4.500 6-11 6-11z"/>`,
	"block":    `<path d="M12 3l8 4.500v9L12 21l-8-4.500v-9zM4 7.500l8 4.500 8-4.500M12 12v9"/>`,
	"import":   `<path d="M14 4h6v16h-6M4 12h11M11 8l4 4-4 4"/>`,
	"user":     `<circle cx="12" cy="8" r="4"/><path d="M4.500 20.500a7.500 7.500 0 0 1 15 0"/>`,
	"scan":     `<path d="M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M8 8h3v3H8zM13 13h3v3h-3zM13 8h3M8 13h3v3"/>`,
	"full":     `<path d="M9 4H4v5M15 4h5v5M20 15v5h-5M9 20H4v-5"/>`,
	"left":     `<path d="M14.500 6L9 12l5.500 6"/>`,
	"right":    `<path d="M9.500 6L15 12l-5.500 6"/>`,
}

// icon draws one of our pictures; an unknown name is a mistake in a template.
func icon(name string) (template.HTML, error) {
	body, ok := icons[name]
	if !ok {
		return "", fmt.Errorf("no icon %q", name)
	}
	// constant text of this file
	return template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">` + body + `</svg>`), nil //nolint:gosec
}

// deviceIcon picks the picture of a device type by how one talks to it.
func deviceIcon(typeID string) string {
	switch typeID {
	case "hot":
		return "flame"
	case "coldcard", "cobo", "passport", "keycardshell":
		return "card"
	case "specter", "seedsigner", "krux", "keystone", "jade":
		return "camera"
	case "electrum", "other":
		return "chip"
	}
	return "usb"
}
