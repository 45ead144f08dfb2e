package api

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"github.com/gin-gonic/gin"
)

// forwarded are the headers by which a proxy says that it speaks for someone else.
var forwarded = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"}

// isLocal reports whether a request comes from this machine, by a name of this machine (a page elsewhere that points its own name at
// 127.0.0.1 is told by its Host), and not through a proxy.
func isLocal(r *http.Request) bool {
	for _, name := range forwarded {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return isLoopbackAddress(r.RemoteAddr) && isLoopbackHost(r.Host)
}

func isLoopbackAddress(hostAndPort string) bool {
	address, err := netip.ParseAddrPort(hostAndPort)
	return err == nil && address.Addr().Unmap().IsLoopback()
}

// isLoopbackHost takes a Host header, with or without a port.
func isLoopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "localhost" {
		return true
	}
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// crossOrigin tells requests that a page of another site made a browser send (Sec-Fetch-Site, else Origin). Programs send neither and pass.
var crossOrigin = http.NewCrossOriginProtection()

// sameOrigin refuses what a page elsewhere makes a signed-in or local browser write. Reading is never refused.
func (s *server) sameOrigin(c *gin.Context) {
	if err := crossOrigin.Check(c.Request); err != nil {
		s.fail(c, fmt.Errorf("%w: %w", ErrCrossOrigin, err))
		return
	}
	c.Next()
}
