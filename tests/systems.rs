//! The gradient flow a formula generates, as text and as LaTeX.

use gradflow::model::{Formula, System};

fn system(text: &str, inputs: &[&str]) -> System {
    Formula::parse(text, inputs).unwrap().system().unwrap()
}

#[test]
fn the_flow_on_data_sums_over_samples() {
    let wanted = "\
model
  h(w, x) = w1*tanh(w2*x)
Jacobian
  ∂h/∂w1 = tanh(w2*x)
  ∂h/∂w2 = w1*x*(1 - tanh(w2*x)^2)
gradient flow of R(α h)/α², R = ½‖y − y⋆‖² (else r = ∂R/∂y at y = α h(w))
  rᵢ = α*h(w, xᵢ) - y⋆ᵢ
  w1' = -(1/α) Σᵢ rᵢ*tanh(w2*xᵢ)
  w2' = -(1/α) Σᵢ rᵢ*w1*xᵢ*(1 - tanh(w2*xᵢ)^2)
linearized flow, tangent at the start w₀
  h̄(w̄, x) = h(w₀, x) + tanh(w2₀*x)*(w̄1 - w1₀) + w1₀*x*(1 - tanh(w2₀*x)^2)*(w̄2 - w2₀)
  r̄ᵢ = α*h̄(w̄, xᵢ) - y⋆ᵢ
  w̄1' = -(1/α) Σᵢ r̄ᵢ*tanh(w2₀*xᵢ)
  w̄2' = -(1/α) Σᵢ r̄ᵢ*w1₀*xᵢ*(1 - tanh(w2₀*xᵢ)^2)
";
    assert_eq!(system("w1*tanh(w2*x)", &["x", "unused"]).text(), wanted);
}

#[test]
fn the_flow_of_several_outputs_sums_over_them() {
    let text = system("tanh(w1) + w2^2; w2 + w1*w2", &[]).text();
    for line in [
        "  h2(w) = w2 + w1*w2\n",
        "  ∂h1/∂w1 = 1 - tanh(w1)^2\n",
        "  r2 = α*h2(w) - y⋆2\n",
        "  w1' = -(1/α) [r1*(1 - tanh(w1)^2) + r2*w2]\n",
        "  h̄2(w̄) = h2(w₀) + w2₀*(w̄1 - w1₀) + (1 + w1₀)*(w̄2 - w2₀)\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn signs_move_to_the_front_and_zero_is_zero() {
    let text = system("-2*a - b; 0*c - b", &[]).text();
    for line in [
        "  a' = (1/α) 2*r1\n",
        "  b' = -(1/α) [-r1 - r2]\n",
        "  c' = 0\n",
        "  h̄1(w̄) = h1(w₀) - 2*(a\u{304} - a₀) - (b\u{304} - b₀)\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
}

#[test]
fn symbols_make_way_for_the_names_of_the_formula() {
    let system = system("alpha*x1 - r*`my col`; h", &["x1", "my col"]);
    let text = system.text();
    assert!(text.contains("  e1ᵢ = λ*f1(w, x1ᵢ, `my col`ᵢ) - y⋆1ᵢ\n"), "{text}");
    let latex = system.latex();
    assert!(latex.contains(
        "f_{1}(w, x_{1}, \\mathrm{my\\ col}) &= \\alpha\\,x_{1} - r\\,\\mathrm{my\\ col}"
    ));
    assert!(
        latex.contains("\\dot{\\alpha} &= -\\frac{1}{\\lambda} \\sum_{i} e_{1,i}\\,x_{1,i}"),
        "{latex}"
    );
}

#[test]
fn the_latex_of_the_flow() {
    let latex = system("w1*tanh(w2*x)", &["x"]).latex();
    for line in [
        "  h(w, x) &= w_{1}\\,\\tanh\\left(w_{2}\\,x\\right)\n",
        "  \\frac{\\partial h}{\\partial w_{2}} &= w_{1}\\,x\\,\\left(1 - \\tanh^{2}\\left(w_{2}\\,x\\right)\\right)\n",
        "  r_{i} &= \\alpha\\,h(w, x_{i}) - y^{\\star}_{i} \\\\\n",
        "  \\dot{w}_{1} &= -\\frac{1}{\\alpha} \\sum_{i} r_{i}\\,\\tanh\\left(w_{2}\\,x_{i}\\right) \\\\\n",
        "  \\dot{\\bar{w}}_{1} &= -\\frac{1}{\\alpha} \\sum_{i} \\bar{r}_{i}\\,\\tanh\\left(w_{2,0}\\,x_{i}\\right) \\\\\n",
    ] {
        assert!(latex.contains(line), "{line}{latex}");
    }
    assert_eq!(latex.matches("\\begin{align*}").count(), 4);
    assert_eq!(latex.matches("\\end{align*}").count(), 4);
}

#[test]
fn latex_has_the_needed_parentheses_and_no_more() {
    for (text, wanted) in [
        ("w/2", "\\frac{w}{2}"),
        ("(w/2)^3", "\\left(\\frac{w}{2}\\right)^{3}"),
        ("(a + b)*c", "\\left(a + b\\right)\\,c"),
        ("a + (b + c)", "a + b + c"),
        ("a - (b + c)", "a - \\left(b + c\\right)"),
        ("a*(b*c)", "a\\,b\\,c"),
        ("a - -b", "a - \\left(-b\\right)"),
        ("a*2", "a \\cdot 2"),
        ("2^(a + b)", "2^{a + b}"),
        ("(-2)^2*a", "\\left(-2\\right)^{2}\\,a"),
        ("(a^b)^c", "\\left(a^{b}\\right)^{c}"),
        ("a^b^c", "a^{b^{c}}"),
        ("exp(a)^2", "\\left(\\exp\\left(a\\right)\\right)^{2}"),
        ("sin(a)^2", "\\sin^{2}\\left(a\\right)"),
        ("sin(a)^-1", "\\left(\\sin\\left(a\\right)\\right)^{-1}"),
        ("sqrt(abs(a))", "\\sqrt{\\left|a\\right|}"),
        ("1e-9*a", "1 \\cdot 10^{-9}\\,a"),
        ("erf(theta_1)/pi", "\\frac{\\mathrm{erf}\\left(\\theta_{1}\\right)}{\\pi}"),
    ] {
        assert_eq!(Formula::parse(text, &[]).unwrap().latex(), [wanted], "{text}");
    }
}

/// Every right-hand side of the Jacobian is itself a formula.
#[test]
fn the_jacobian_reads_back() {
    let source = "w1^w2 + gelu(w1)/w2 - erf(tan(w2)); sqrt(softplus(w1*x)) + abs(w2)^(1/3)";
    let formula = Formula::parse(source, &["x"]).unwrap();
    let text = formula.system().unwrap().text();
    let rights: Vec<&str> = text
        .lines()
        .filter(|line| line.contains('∂') && line.starts_with("  "))
        .filter_map(|line| line.split_once(" = "))
        .map(|(_, right)| right)
        .collect();
    assert_eq!(rights.len(), 4);
    for (place, right) in rights.into_iter().enumerate() {
        let derivative = formula.derivative(place / 2, place % 2).unwrap();
        assert_eq!(derivative.to_string(), right);
        assert_eq!(Formula::parse(right, &["x"]).unwrap().to_string(), right);
    }
}
