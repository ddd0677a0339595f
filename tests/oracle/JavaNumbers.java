// Writes random doubles and floats with Java's text: java -cp "LIBS/*" JavaNumbers.java COUNT SEED
// Lines of the number's bits in hexadecimal (16 digits a double, 8 a float), a space, and what Double.toString or Float.toString of
// JDK 19 and later gives.  Older JDKs sometimes write more digits, so there Jackson's copy of the same algorithm is asked; how many
// differ goes to stderr.
import com.fasterxml.jackson.core.io.NumberOutput;
import java.io.BufferedWriter;
import java.io.OutputStreamWriter;
import java.util.Random;

public class JavaNumbers {
  public static void main(String[] arguments) throws Exception {
    int count = Integer.parseInt(arguments[0]);
    Random random = new Random(Long.parseLong(arguments[1]));
    boolean modern = Runtime.version().feature() >= 19;
    int different = 0;
    try (BufferedWriter out = new BufferedWriter(new OutputStreamWriter(System.out))) {
      for (int i = 0; i < count; ++i) {
        double number = next(random, i);
        String text = modern ? Double.toString(number) : NumberOutput.toString(number, true);
        if (!text.equals(Double.toString(number))) ++different;
        out.write(String.format("%016x %s\n", Double.doubleToRawLongBits(number), text));
      }
      for (int i = 0; i < count; ++i) {
        float number = i % 4 == 0 ? (float) next(random, i) : Float.intBitsToFloat(random.nextInt());
        if (!Float.isFinite(number)) number = i;
        String text = modern ? Float.toString(number) : NumberOutput.toString(number, true);
        out.write(String.format("%08x %s\n", Float.floatToRawIntBits(number), text));
      }
    }
    System.err.println(different + " of " + count + " doubles differ from this JDK's Double.toString");
  }

  // Any bits, decimals of few digits, powers of two and ten, neighbours of those, small numbers.
  private static double next(Random random, int i) {
    switch (i % 8) {
      case 0: return random.nextInt(2_000_000_000) / Math.pow(10, random.nextInt(9));
      case 1: return Math.scalb(1.0, random.nextInt(2098) - 1074);
      case 2: return Math.nextUp(Double.parseDouble("1e" + (random.nextInt(600) - 300)));
      case 3: return Double.parseDouble((1 + random.nextInt(9)) + "e" + (random.nextInt(630) - 323));
      case 4: return random.nextLong();
      case 5: return Double.longBitsToDouble(random.nextInt(1 << 20));
      default:
        double any = Double.longBitsToDouble(random.nextLong());
        return Double.isFinite(any) ? any : i;
    }
  }
}
