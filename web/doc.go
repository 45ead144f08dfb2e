// Package web holds the pages: templates, the typed views they show, translations (zh-CN first, en) and static assets.
//
// A Renderer parses every template once, at start, and refuses to start when a template and its view do not fit. Pages are
// rendered to memory first, so that a failure never leaves half a page. There are no handlers here: package api has them.
package web
