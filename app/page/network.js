// A truncated low-rank network, in doubles:
//   s = Phi c,  z_l = sigma(U_l diag(s1_l) V_l^T z_(l-1) + B_l s2_l)
"use strict";
const makeNetwork = (() => {
  const decoded = (text, Type) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return Float64Array.from(new Type(bytes.buffer));
  };

  // tanh by cubic interpolation in a table, to 1e-10: three times as fast as Math.tanh.
  const steps = 128, end = 18;
  const table = new Float64Array(steps * end + 2);
  for (let i = 0; i < table.length; ++i) table[i] = Math.tanh(i / steps);
  const tanh = (y) => {
    const place = Math.abs(y) * steps;
    if (!(place < steps * end)) return Math.tanh(y); // also what is not a number
    const i = place | 0, p = place - i, a = table[i], b = table[i + 1];
    const da = (1 - a * a) / steps, db = (1 - b * b) / steps, rise = b - a;
    const z = a + p * (da + p * (3 * rise - 2 * da - db + p * (da + db - 2 * rise)));
    return y < 0 ? -z : z;
  };
  const activations = {
    tanh,
    sin: Math.sin,
    relu: (y) => (y > 0 ? y : 0),
    silu: (y) => y / (1 + Math.exp(-y)),
    none: (y) => y,
  };

  // out (n,k) = a (n,m) times the transpose of b (k,m), plus bias (k): four columns of two rows at a time.
  const product = (a, n, m, b, k, bias, out) => {
    for (let i = 0; i < n; i += 2) {
      const a0 = i * m, a1 = i + 1 < n ? a0 + m : a0, o0 = i * k, o1 = i + 1 < n ? o0 + k : o0;
      let j = 0;
      for (; j + 3 < k; j += 4) {
        const b0 = j * m, b1 = b0 + m, b2 = b1 + m, b3 = b2 + m;
        let p0 = bias[j], p1 = bias[j + 1], p2 = bias[j + 2], p3 = bias[j + 3];
        let q0 = p0, q1 = p1, q2 = p2, q3 = p3;
        for (let l = 0; l < m; ++l) {
          const x = a[a0 + l], y = a[a1 + l];
          const w0 = b[b0 + l], w1 = b[b1 + l], w2 = b[b2 + l], w3 = b[b3 + l];
          p0 += x * w0, p1 += x * w1, p2 += x * w2, p3 += x * w3;
          q0 += y * w0, q1 += y * w1, q2 += y * w2, q3 += y * w3;
        }
        out[o0 + j] = p0, out[o0 + j + 1] = p1, out[o0 + j + 2] = p2, out[o0 + j + 3] = p3;
        out[o1 + j] = q0, out[o1 + j + 1] = q1, out[o1 + j + 2] = q2, out[o1 + j + 3] = q3;
      }
      for (; j < k; ++j) {
        const b0 = j * m;
        let p = bias[j], q = p;
        for (let l = 0; l < m; ++l) p += a[a0 + l] * b[b0 + l], q += a[a1 + l] * b[b0 + l];
        out[o0 + j] = p, out[o1 + j] = q;
      }
    }
  };

  // b (rows,columns) with its rows multiplied by s, and the like.
  const transposed = (a, rows, columns) => {
    const out = new Float64Array(a.length);
    for (let i = 0; i < rows; ++i) for (let j = 0; j < columns; ++j) out[j * rows + i] = a[i * columns + j];
    return out;
  };

  return (data) => {
    const modes = data.modes, dims = data.x.length, fields = data.fields.length;
    const phi = decoded(data.phi, Float64Array), series = decoded(data.series, Float64Array);
    const s = new Float64Array(phi.length / modes);
    const sigma = activations[data.activation];
    const block = 64; // points at a time, so that their states stay in the cache
    let widest = 1, begin = 0;
    const layers = data.layers.map((layer) => {
      const { in: m, out: w, rank: r, biases } = layer;
      const u = decoded(layer.u, Float32Array), v = decoded(layer.v, Float32Array);
      const made = {
        m, w, r, biases, v, begin,
        b: decoded(layer.b, Float32Array),
        ut: transposed(u, r, w), // (w,r)
        bias: new Float64Array(w),
        scaled: new Float64Array(v.length), // diag(s1) V^T
        none: new Float64Array(r),
        weight: m * w <= r * (m + w) ? new Float64Array(w * m) : null, // W(c), where that is cheaper
      };
      begin += r + biases;
      widest = Math.max(widest, w, m, r);
      return made;
    });
    let from = new Float64Array(block * widest), to = new Float64Array(block * widest);

    // Weights and biases for the coordinates c.
    const prepare = (c) => {
      for (let i = 0; i < s.length; ++i) {
        let sum = 0;
        for (let j = 0; j < modes; ++j) sum += phi[i * modes + j] * c[j];
        s[i] = sum;
      }
      for (const { m, w, r, biases, v, begin, b, ut, bias, scaled, weight } of layers) {
        for (let i = 0; i < r; ++i) for (let j = 0; j < m; ++j) scaled[i * m + j] = s[begin + i] * v[i * m + j];
        bias.fill(0);
        for (let i = 0; i < biases; ++i) {
          const factor = s[begin + r + i];
          for (let j = 0; j < w; ++j) bias[j] += factor * b[i * w + j];
        }
        if (!weight) continue;
        weight.fill(0);
        for (let k = 0; k < w; ++k)
          for (let i = 0; i < r; ++i) {
            const factor = ut[k * r + i];
            for (let j = 0; j < m; ++j) weight[k * m + j] += factor * scaled[i * m + j];
          }
      }
    };

    return {
      modes, dims, fields,
      fieldNames: data.fields,

      // c(t) at a physical time: a Chebyshev series, by Clenshaw's recurrence.
      coordinatesAt(t) {
        const [low, high] = data.t, x = high > low ? (2 * (t - low)) / (high - low) - 1 : 0;
        const c = new Float64Array(modes);
        for (let j = 0; j < modes; ++j) {
          let one = 0, two = 0;
          for (let k = data.terms - 1; k > 0; --k) {
            const next = series[k * modes + j] + 2 * x * one - two;
            two = one, one = next;
          }
          c[j] = series[j] + x * one - two;
        }
        return c;
      },

      // The field at physical points (n,dims) for coordinates c: (n,fields), physical.
      values(points, c) {
        const n = points.length / dims, all = new Float64Array(n * fields);
        prepare(c);
        for (let start = 0; start < n; start += block) {
          const count = Math.min(block, n - start);
          for (let i = 0; i < count * dims; ++i) {
            const [low, high] = data.x[i % dims];
            from[i] = high > low ? (2 * (points[start * dims + i] - low)) / (high - low) - 1 : 0;
          }
          layers.forEach(({ m, w, r, ut, bias, scaled, none, weight }, l) => {
            if (weight) {
              product(from, count, m, weight, w, bias, to);
              [from, to] = [to, from];
            } else {
              product(from, count, m, scaled, r, none, to);
              product(to, count, r, ut, w, bias, from);
            }
            if (l + 1 < layers.length) for (let i = 0; i < count * w; ++i) from[i] = sigma(from[i]);
          });
          for (let i = 0; i < count * fields; ++i) all[start * fields + i] = from[i] * data.size[i % fields];
        }
        return all;
      },
    };
  };
})();
