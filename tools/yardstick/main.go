// Command yardstick is what scripts/bench-load measures the server beside: bare Gin handlers on the same machine. POST /verified does one ES256
// verification, POST /hello answers a JSON hello. It prints its address and serves until it is stopped.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "yardstick:", err)
		os.Exit(1)
	}
}

func run() error {
	gin.SetMode(gin.ReleaseMode)
	verified, err := verifying()
	if err != nil {
		return err
	}
	e := gin.New()
	e.POST("/verified", verified)
	e.POST("/hello", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"hello": "world"}) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Printf("http://%s/\n", listener.Addr())
	return (&http.Server{Handler: e, ReadHeaderTimeout: 5 * time.Second}).Serve(listener)
}

// verifying returns a handler that reads its body and verifies one signature.
func verifying() (gin.HandlerFunc, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	sum := sha256.Sum256([]byte("what was signed"))
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return func(c *gin.Context) {
		body, err := io.ReadAll(c.Request.Body)
		if err != nil || !ecdsa.VerifyASN1(&key.PublicKey, sum[:], signature) {
			c.Status(http.StatusBadRequest)
			return
		}
		c.JSON(http.StatusOK, gin.H{"authentic": true, "bytes": len(body)})
	}, nil
}
