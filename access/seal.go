package access

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
)

// SealKey seals what the database must hold but nobody who copies it may read: secrets of second factors, secrets of webhooks. It stays in
// a file of its own.
type SealKey [32]byte

// ErrSealed means that a sealed text was made by another key, for another purpose, or was changed.
var ErrSealed = errors.New("the sealed text cannot be opened with this key")

// Seal encrypts a text (AES-256-GCM). purpose is not stored and must be the same for Open: so a sealed text cannot stand in for another.
func (k *SealKey) Seal(text, purpose string) (string, error) {
	box, err := k.box()
	if err != nil {
		return "", err
	}
	nonce := make([]byte, box.NonceSize(), box.NonceSize()+len(text)+box.Overhead())
	rand.Read(nonce) // crypto/rand.Read never fails: it crashes the program instead (Go 1.24)
	return base64.RawStdEncoding.EncodeToString(box.Seal(nonce, nonce, []byte(text), []byte(purpose))), nil
}

// Open decrypts what Seal made for the same purpose, or fails with ErrSealed.
func (k *SealKey) Open(sealed, purpose string) (string, error) {
	box, err := k.box()
	if err != nil {
		return "", err
	}
	bytes, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil || len(bytes) < box.NonceSize() {
		return "", ErrSealed
	}
	text, err := box.Open(nil, bytes[:box.NonceSize()], bytes[box.NonceSize():], []byte(purpose))
	if err != nil {
		return "", ErrSealed
	}
	return string(text), nil
}

func (k *SealKey) box() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		return nil, fmt.Errorf("prepare the seal: %w", err)
	}
	box, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("prepare the seal: %w", err)
	}
	return box, nil
}
