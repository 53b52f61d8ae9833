#!/usr/bin/env bash
# What two of Go's Avro libraries write of an amount that has more digits than its schema allows: a smaller amount, and of a debt a larger
# one. One would expect an error, as the third gives, and Java and Python.
#
# Seen with hamba/avro 2.31.0, linkedin/goavro 2.15.0 and twmb/avro 1.9.1, a big.Rat into decimal(6, 2):
#
#   the amount    hamba/avro    goavro      twmb/avro
#   12.34         12.34         12.34       12.34
#   12.349        12.34         12.34       an error
#   -12.341       -12.35        -12.35      an error
#   -0.001        -0.01         -0.01       an error
#   12345.67      an error      12345.67    an error
#
# Both divide by a function of math/big that rounds down, below zero, too. So amounts that were worked out (a discount, a share, a
# rate of exchange) lose up to a cent each, always to the same side, and credits grow by it: the lines of an invoice no longer add up to
# its total. goavro also writes more digits than the precision, which Java refuses to write, and a table's column may not hold.
#
# Needs Go 1.26 or newer. Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > go.mod <<'GO'
module finding

go 1.26
GO
cat > main.go <<'GO'
package main

import (
	"fmt"
	"math/big"
	"os"
	"slices"

	hamba "github.com/hamba/avro/v2"
	"github.com/linkedin/goavro/v2"
	twmb "github.com/twmb/avro"
)

const schema = `{"type": "record", "name": "Order", "fields": [
	{"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}}]}`

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// The amount that a record of this schema holds: behind its length, in two's complement, the number of cents.
func amount(data []byte, err error) string {
	if err != nil {
		return "an error"
	}
	cents := new(big.Int).SetBytes(data[1:])
	if data[1] >= 0x80 {
		cents.Sub(cents, new(big.Int).Lsh(big.NewInt(1), uint(8*len(data[1:]))))
	}
	return new(big.Rat).SetFrac(cents, big.NewInt(100)).FloatString(2)
}

func main() {
	byHamba, byGoavro, byTwmb := hamba.MustParse(schema), must(goavro.NewCodec(schema)), must(twmb.Parse(schema))
	for _, row := range [][]string{
		{"12.34", "12.34", "12.34", "12.34"},
		{"12.349", "12.34", "12.34", "an error"},
		{"-12.341", "-12.35", "-12.35", "an error"},
		{"-0.001", "-0.01", "-0.01", "an error"},
		{"12345.67", "an error", "12345.67", "an error"},
	} {
		value, _ := new(big.Rat).SetString(row[0])
		order := map[string]any{"amount": value}
		found := []string{
			amount(hamba.Marshal(byHamba, order)), amount(byGoavro.BinaryFromNative(nil, order)), amount(byTwmb.Encode(order)),
		}
		fmt.Printf("%-10s hamba/avro %-10s goavro %-10s twmb/avro %s\n", row[0], found[0], found[1], found[2])
		if !slices.Equal(found, row[1:]) {
			fmt.Println("this has changed: expected", row[1:])
			os.Exit(1)
		}
	}
}
GO
(go get github.com/hamba/avro/v2@v2.31.0 github.com/linkedin/goavro/v2@v2.15.0 github.com/twmb/avro@v1.9.1 &&
  go mod tidy && go build -o write .) > go.log 2>&1 || { cat go.log; exit 1; }
./write
